import type { NetworkCreateRequest } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import type { Network } from './model.ts';

/**
 * Networks that are settings only (`docker network create --config-only`), and those that take them over (`--config-from`).
 * Texts and what may stand beside each other are dockerd's.
 */

/** What a request says against the rules of config-only networks. @throws Failure forbidden */
export function checkConfigOnly(request: NetworkCreateRequest): void {
  const from = request.ConfigFrom?.Network;
  if (request.ConfigOnly && (request.Ingress || request.Internal || request.Attachable || request.Scope)) {
    throw new Failure(
      'forbidden',
      'configuration network can only contain network specific fields. Network operator fields like [ ingress | internal | attachable | scope ] are not supported.',
    );
  }
  if (!from) return;
  if (request.ConfigOnly) throw new Failure('forbidden', 'a configuration network cannot depend on another configuration network');
  const some = (value: object | null | undefined): boolean => Object.keys(value ?? {}).length > 0;
  const ipam = request.IPAM ?? {};
  const own = ipam.Driver && ipam.Driver !== 'default';
  if (own || request.EnableIPv4 === false || request.EnableIPv6 || some(request.Labels) || some(ipam.Options) || some(ipam.Config)) {
    throw new Failure('forbidden', 'user-specified configurations are not supported if the network depends on a configuration network');
  }
  if (some(request.Options)) {
    throw new Failure('forbidden', 'network driver options are not supported if the network depends on a configuration network');
  }
}

/** The request with the settings of the network it names. @throws Failure notFound */
export function withConfigFrom(networks: Iterable<Network>, request: NetworkCreateRequest): NetworkCreateRequest {
  const name = request.ConfigFrom?.Network;
  if (!name) return request;
  const source = [...networks].find((network) => network.configOnly && network.name === name)?.stored;
  if (!source) throw new Failure('notFound', `configuration network ${JSON.stringify(name)} does not exist`);
  return {
    ...request,
    EnableIPv4: source.ipv4,
    EnableIPv6: source.ipv6,
    Labels: source.labels,
    Options: source.options,
    IPAM: {
      Driver: source.ipam.driver,
      Options: source.ipam.options,
      Config: source.ipam.config.map(({ subnet, range, gateway, aux }) => ({
        Subnet: subnet,
        ...(range ? { IPRange: range } : {}),
        ...(gateway ? { Gateway: gateway } : {}),
        AuxiliaryAddresses: aux,
      })),
    },
  };
}

/** @throws Failure forbidden while a network has its settings */
export function refuseInUse(networks: Iterable<Network>, network: Network): void {
  if (!network.configOnly || ![...networks].some((other) => other.stored.configFrom === network.name)) return;
  throw new Failure('forbidden', `error while removing network: configuration network ${JSON.stringify(network.name)} is in use`);
}

/** @throws Failure forbidden for a container that wants to join it */
export function refuseEndpoint(network: Network): void {
  if (network.configOnly) throw new Failure('forbidden', 'cannot create endpoint on configuration-only network');
}
