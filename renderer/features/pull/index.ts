export { PullDialog } from './PullDialog.tsx';
