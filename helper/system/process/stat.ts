/** Fields of /proc/PID/stat from the third (the state) on. The second is the program's name, which may hold blanks and parentheses. */
const fields = (text: string): string[] => text.slice(text.lastIndexOf(')') + 2).split(' ');

/** `R`, `S`, `Z` … Source: proc(5), /proc/PID/stat */
export const stateOf = (text: string): string => fields(text)[0] ?? '';

export const parentOf = (text: string): number => Number(fields(text)[1]);

/** The kernel's flags of it (PF_…). */
export const flagsOf = (text: string): number => Number(fields(text)[6]);

/** Clock ticks since boot, as the kernel writes them. */
export const startTimeOf = (text: string): string | undefined => fields(text)[19];
