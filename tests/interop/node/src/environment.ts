/** A setting that `tests/interop/run` makes. */
export function environment(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set; tests/interop/run sets it`);
  }
  return value;
}
