/** Objects of foreign data whose fields have names of their own. */
import * as v from "valibot";

/** Names that objects have a meaning for. valibot looks at none of them: it takes them for valid, whatever their value is. */
const NOT_PLAIN = ["__proto__", "prototype", "constructor"];

/** The first of these that an object has as a field of its own. */
const notPlainKey = (value: object): string | undefined => NOT_PLAIN.find((name) => Object.hasOwn(value, name));

/** The same schema; an object that has a field of such a name is refused before it is looked at. */
export function plainKeys<S extends v.GenericSchema>(schema: S) {
  return v.pipe(
    v.custom<v.InferInput<S>>(
      (value) => typeof value !== "object" || value === null || notPlainKey(value) === undefined,
      ({ input }) => `a field cannot be called ${notPlainKey(Object(input))}`,
    ),
    schema,
  );
}

/** A record of foreign data: its names and its values are all looked at. */
export const plainRecord = <K extends v.GenericSchema<string, string>, V extends v.GenericSchema>(key: K, value: V) =>
  plainKeys(v.record(key, value));
