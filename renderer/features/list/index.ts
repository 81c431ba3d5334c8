export { ListPage } from './ListPage.tsx';
export { itemOf, stripeOf, useList } from './useList.ts';
