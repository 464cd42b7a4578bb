/** Replaced by the version in package.json when the bundle is built. */
declare const BANKCTL_VERSION: string;

/** The version of bankctl; sources that are run unbundled have none. */
export function bankctlVersion(): string {
  return typeof BANKCTL_VERSION === 'string' ? BANKCTL_VERSION : '0.0.0-source';
}
