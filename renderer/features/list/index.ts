export { Bulk } from './Bulk.tsx';
export { Created, Labels, Users } from './cells.tsx';
export { DetailPane } from './DetailPane.tsx';
export { failedLists } from './failed.ts';
export { ListPage } from './ListPage.tsx';
export { leavingRows } from './leaving.ts';
export { RowButtons } from './RowButtons.tsx';
export { itemOf, type List, stripeOf, useList } from './useList.ts';
