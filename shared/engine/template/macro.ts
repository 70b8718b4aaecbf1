import { chatFault } from './template-error.ts'
import type { Body, Signature } from './syntax.ts'
import { Dict, List, Undefined, type CallArguments, type Value } from './values.ts'

/** What a macro's body names decides, in Jinja, which arguments it may be given. */
export interface MacroTakes {
  readonly more: boolean
  readonly moreNamed: boolean
  readonly caller: boolean
}

export function takesOf(signature: Signature, body: Body): MacroTakes {
  const names = namesIn([body, [...signature.defaults.values()]])
  const takes = (name: string): boolean => names.has(name) && !signature.names.includes(name)
  return { more: takes('varargs'), moreNamed: takes('kwargs'), caller: takes('caller') }
}

function namesIn(part: unknown, found = new Set<string>()): Set<string> {
  if (Array.isArray(part)) for (const one of part) namesIn(one, found)
  else if (typeof part === 'object' && part !== null) {
    if ('type' in part && part.type === 'name' && 'name' in part) found.add(String(part.name))
    const values = part instanceof Map ? [...part.values()] : Object.values(part)
    for (const one of values) namesIn(one, found)
  }
  return found
}

/**
 * What the names of a macro stand for in one call; a missing one without a default is undefined.
 *
 * @throws TemplateError for arguments that it does not take
 */
export function bind(
  name: string,
  { names }: Signature,
  takes: MacroTakes,
  { positional, named }: CallArguments,
): Map<string, Value> {
  const bound = new Map<string, Value>()
  for (const [i, one] of names.entries()) {
    const value = positional[i] ?? named.get(one)
    if (i < positional.length && named.has(one)) throw chatFault(`${name} is given ${one} twice`)
    if (value !== undefined) bound.set(one, value)
  }
  const more = positional.slice(names.length)
  const moreNamed = [...named].filter(([one]) => !names.includes(one) && !(one === 'caller' && takes.caller))
  if (more.length > 0 && !takes.more) throw chatFault(`${name} takes ${names.length} arguments`)
  if (moreNamed.length > 0 && !takes.moreNamed)
    throw chatFault(`${name} has no argument ${moreNamed[0]?.[0]}`)
  if (takes.more) bound.set('varargs', new List(more, 'tuple'))
  if (takes.moreNamed) bound.set('kwargs', new Dict(moreNamed))
  if (takes.caller) bound.set('caller', named.get('caller') ?? new Undefined('caller'))
  return bound
}
