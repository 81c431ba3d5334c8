import { lazy } from 'react';

/** Loaded when first shown. */
export const LogView = lazy(() => import('./LogView.tsx'));
