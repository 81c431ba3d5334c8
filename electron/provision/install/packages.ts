import { type Facts, type Manager, NEEDED } from './check.ts';

/** What the engine needs and the machine has not, by the names of its distribution. */
export function missingPackages({ programs }: Facts, manager: Manager): string[] {
  return NEEDED.filter(({ program }) => !programs.includes(program)).map(({ packages }) => packages[manager]);
}

interface Commands {
  install: (packages: string) => string;
  /** Answers whether $package is installed: of a step that failed half way, not all may be. */
  has: string;
  remove: string;
}

// Another program may be at work with the packages, such as automatic updates: it is waited for.
const LOCK = '-o DPkg::Lock::Timeout=300';
const MANAGERS: Record<Manager, Commands> = {
  apt: {
    install: (packages) =>
      `export DEBIAN_FRONTEND=noninteractive\napt-get -q ${LOCK} update\napt-get -q -y ${LOCK} --no-install-recommends install ${packages}`,
    has: 'dpkg-query -W -f=\'${Status}\' "$package" 2>/dev/null | grep -q " installed\\|unpacked\\|half"',
    remove: `DEBIAN_FRONTEND=noninteractive apt-get -q -y ${LOCK} remove "$package"`,
  },
  dnf: {
    install: (packages) => `dnf -q -y --setopt=install_weak_deps=False install ${packages}`,
    has: 'rpm -q --quiet "$package"',
    remove: 'dnf -q -y remove "$package"',
  },
  zypper: {
    install: (packages) => `zypper -q -n install --no-recommends ${packages}`,
    has: 'rpm -q --quiet "$package"',
    remove: 'zypper -q -n remove "$package"',
  },
  apk: {
    install: (packages) => `apk -q add ${packages}`,
    has: 'apk -q info -e "$package"',
    remove: 'apk -q del "$package"',
  },
};

const AT_WORK = '/run/gantry-packages';

/** Its output goes to a file, so that a lost connection does not break it off. */
export function installPackages(manager: Manager, packages: string): string {
  return `mkdir -p ${AT_WORK}; echo $$ >${AT_WORK}/pid
{
${MANAGERS[manager].install(packages)}
} >${AT_WORK}/log 2>&1 || { tail -n 40 ${AT_WORK}/log >&2; exit 1; }
rm -rf ${AT_WORK}`;
}

/** Waits for one that is still at work, then removes of these packages what is there. */
export function removePackages(manager: Manager, packages: string): string {
  const { has, remove } = MANAGERS[manager];
  return `while [ -f ${AT_WORK}/pid ] && kill -0 "$(cat ${AT_WORK}/pid)" 2>/dev/null; do sleep 1; done
rm -rf ${AT_WORK}; left=0
for package in ${packages}; do
  if ${has}; then ${remove} || left=1; fi
done
[ $left = 0 ]`;
}
