export { formatTcpAddress, parseTcpAddress, placeOf, type TcpAddress } from './address.ts';
export { type Credentials, certificatesIn, readCredentials } from './certificates.ts';
export { openTcp, type TcpTarget } from './connect.ts';
export { explainTcp, isoDay } from './failures.ts';
