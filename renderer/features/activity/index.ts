export { Activities } from './Activities.tsx';
export { PullProgress } from './PullProgress.tsx';
export { announcePull, cancelPull, type Pull, type PullRequest, pullEnd, startPull, usePulls } from './store.ts';
