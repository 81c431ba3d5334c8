/**
 * What a terminal does for a process that has none (attach to a container without TTY): shows what is typed, sends Enter as
 * LF, ends input on Ctrl-D, and moves the cursor to the line's begin on LF.
 */
export class LineDiscipline {
  #last = 0;

  /** Output for the screen. */
  output(data: Buffer): Buffer {
    if (!data.includes(10)) {
      this.#last = data.at(-1) ?? this.#last;
      return data;
    }
    const bytes: number[] = [];
    for (const byte of data) {
      if (byte === 10 && this.#last !== 13) bytes.push(13);
      bytes.push(byte);
      this.#last = byte;
    }
    return Buffer.from(bytes);
  }

  input(data: Buffer): { echo: Buffer; send: Buffer; end: boolean } {
    const echo: number[] = [];
    const send: number[] = [];
    let end = false;
    for (const byte of data) {
      if (byte === 4) {
        end = true;
        break;
      }
      if (byte === 13) {
        echo.push(13, 10);
        send.push(10);
      } else {
        echo.push(byte);
        send.push(byte);
      }
    }
    return { echo: Buffer.from(echo), send: Buffer.from(send), end };
  }
}
