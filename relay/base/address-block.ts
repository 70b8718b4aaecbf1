import { isIPv4 } from 'node:net'

/**
 * The neighbourhood of what limits count by: of an IPv4 address its /24, of an IPv6 /64 its /48. That is the smallest
 * block that is routed on its own, so who owns many addresses mostly owns such blocks.
 */
export function blockOf(group: string): string {
  if (isIPv4(group)) return `${group.slice(0, group.lastIndexOf('.'))}.0/24`
  return group.endsWith('::/64') ? `${group.split(':').slice(0, 3).join(':')}::/48` : group
}
