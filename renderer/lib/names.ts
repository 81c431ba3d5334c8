/** What engines accept as the name of a container or volume. Source: Docker's restricted name pattern. */
export const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
