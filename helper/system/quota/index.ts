export { hasProjectQuotas, limitFolders } from './project.ts';
