import { randomInt } from 'node:crypto';
import { Failure } from '../failure.ts';

const ADJECTIVES =
  `able airy alert amber ample apt azure balmy bold brave breezy bright brisk calm candid careful cheery civil clear clever cosy
crisp curious daring deft eager earnest easy fair fancy fearless fleet fond frank free fresh gentle glad golden graceful grand handy hardy
hearty honest humble ideal jolly jovial keen kind lively logical loyal lucid lucky mellow merry mighty mild modest neat nimble noble open
patient placid plucky polite proud prudent quick quiet rapid ready robust serene sharp sincere sleek smart snug sober solid spry stable
steady stout sunny swift tender tidy tranquil trusty upbeat useful valiant vivid warm wise witty zesty`.split(/\s+/);

/** People who moved science and engineering. */
const SURNAMES = `abel ampere apgar archimedes avicenna babbage banach bartik bell berners bernoulli bohr boole bose brahe brahmagupta
cantor carson cauchy celsius cerf chandrasekhar chebyshev church clarke conway copernicus cori crick curie dalton darwin descartes dijkstra
dirac edison einstein elion erdos euclid euler faraday fermat fermi feynman fibonacci fourier franklin galileo galois gauss germain gibbs
goddard goodall hamilton hawking heisenberg herschel hertz hilbert hodgkin hooke hopper hubble huygens hypatia jacobi jennings joule
kepler khayyam kilby knuth kovalevskaya lagrange lamarr laplace lavoisier leavitt leibniz linnaeus liskov lovelace maxwell mayer mccarthy
meitner mendel mendeleev mirzakhani mitchell morse napier nash neumann newton nightingale nobel noether ohm oppenheimer pascal pasteur
pauli payne perlman planck poincare ptolemy pythagoras ramanujan ride riemann rontgen rubin rutherford sagan schrodinger shannon somerville
tesla thompson torvalds turing volta wallace watt wiles wing wozniak wright wu yalow yonath zhukovsky zuse`.split(/\s+/);

/** `adjective_surname`, with a digit from the second try on, as dockerd does when names run out. */
export function randomName(attempt: number): string {
  const pick = (list: string[]): string => list[randomInt(list.length)] ?? '';
  return `${pick(ADJECTIVES)}_${pick(SURNAMES)}${attempt > 0 ? randomInt(10) : ''}`;
}

/** @throws Failure invalidParameter. A leading slash is allowed, as old clients send it. */
export function checkName(name: string): string {
  const bare = name.replace(/^\//, '');
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(bare)) {
    throw new Failure('invalidParameter', `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  }
  return bare;
}
