import { z } from 'zod'

/** A JSON Schema of 2020-12, as OpenAPI 3.1 has them. */
export type JsonSchema = { readonly [keyword: string]: unknown }

/**
 * What a schema says of a body (`sent`) or of an answer (`shown`). Answers may get more fields with the versions of the
 * API, so nothing is said of those that are not there.
 */
export function jsonSchemaOf(schema: z.ZodType, of: 'sent' | 'shown'): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io: of === 'sent' ? 'input' : 'output',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      delete jsonSchema.additionalProperties
      // The format says it, in fewer words.
      if (jsonSchema.format === 'date-time' || jsonSchema.format === 'date') delete jsonSchema.pattern
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
    },
  })
  return rest
}
