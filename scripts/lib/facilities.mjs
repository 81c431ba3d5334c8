/** What tests need and a machine may lack: a skipped test is to say why. Dependency-free. */
import { packageSets } from './packages.mjs';
import { which } from './run.mjs';

/** What this machine lacks of what tests ask for, as `what is missing (how to get it)`. */
export function lacking(asRoot) {
  const programs = packageSets.test.packages
    .filter(({ program }) => program !== undefined && which(program) === undefined)
    .map(({ name, program }) => `${program} (package ${name})`);
  return [...(asRoot ? [] : ['the rights of root (run it by sudo)']), ...programs];
}
