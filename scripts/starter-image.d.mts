/** Builds dist/starter.tar unless it is there. @returns its path */
export function starterImage(): Promise<string>;
