// An Electron application that shows a line of text: what any window costs on this machine.
const { app, BrowserWindow } = require('electron');

app.setPath('userData', process.env.GANTRY_USER_DATA);
app.whenReady().then(() => new BrowserWindow({ width: 1280, height: 800 }).loadURL('data:text/html,<p id="blank">blank</p>'));
