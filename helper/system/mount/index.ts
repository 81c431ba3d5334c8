export { mountNamespaceOf, takeMount, unmountCopiesElsewhere, unmountElsewhere } from './elsewhere.ts';
export { mountErofs } from './erofs.ts';
export { canTakeMounts, closeElsewhere, dispensable, HostMounts, openHere } from './host.ts';
export { type MountEntry, mountOf, mounts, parseMountInfo } from './mountinfo.ts';
export { mountOverlay, type OverlayRequest, unmount, unmountApart, unmountCopy } from './overlay.ts';
export { overlayProblem } from './probe.ts';
export { isOpaque, isWhiteout, sameAttributes, sameFolder } from './whiteout.ts';
