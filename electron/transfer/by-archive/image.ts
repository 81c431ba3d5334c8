import { imagePath } from '../answers.ts';
import { type Carried, type Carrying, nothingMade, pipeOver } from '../carry.ts';

/** By save and load: what every engine has. */
export async function carryImage(carrying: Carrying, reference = carrying.request.source.id): Promise<Carried> {
  const { from, plan, signal } = carrying;
  const saved = await from.stream('GET', `/images/${imagePath(reference)}/get`, { signal });
  await pipeOver(carrying, saved.body, { method: 'POST', path: '/images/load?quiet=0', type: 'application/x-tar' });
  const made = nothingMade();
  if (!plan.image?.there) made.images.push(reference);
  return { id: plan.image?.id ?? reference, name: reference, warnings: [], made };
}
