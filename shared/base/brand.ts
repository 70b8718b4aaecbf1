/** A value of type `T` that carries its meaning in the type, so that a price cannot pass for a duration. */
export type Brand<T, Name extends string> = T & { readonly __brand: Name }
