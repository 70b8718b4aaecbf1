const view = new DataView(new ArrayBuffer(8))

/** The upper 32 bits of a double (sign, exponent, top of the fraction), as fdlibm's `__HI`. */
export function highWord(value: number): number {
  view.setFloat64(0, value)
  return view.getInt32(0)
}

/** The lower 32 bits of a double, as fdlibm's `__LO`. */
export function lowWord(value: number): number {
  view.setFloat64(0, value)
  return view.getUint32(4)
}

/** `value` with its upper 32 bits replaced. */
export function withHighWord(value: number, high: number): number {
  view.setFloat64(0, value)
  view.setInt32(0, high)
  return view.getFloat64(0)
}
