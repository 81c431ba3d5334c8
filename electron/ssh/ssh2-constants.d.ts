declare module 'ssh2/lib/protocol/constants.js' {
  /** What ssh2 offers by itself, and what it can. */
  const constants: Record<
    'DEFAULT_KEX' | 'SUPPORTED_KEX' | 'DEFAULT_CIPHER' | 'SUPPORTED_CIPHER' | 'DEFAULT_MAC' | 'SUPPORTED_MAC' | 'SUPPORTED_SERVER_HOST_KEY',
    readonly string[]
  >;
  export default constants;
}
