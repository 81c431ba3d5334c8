export { CreateVolumeSheet } from './create/CreateVolumeSheet.tsx';
export { VolumesPage } from './VolumesPage.tsx';
