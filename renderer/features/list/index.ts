export { Bulk } from './Bulk.tsx';
export { ListPage } from './ListPage.tsx';
export { itemOf, type List, stripeOf, useList } from './useList.ts';
