import { z } from 'zod'
import { ociErrorCodes } from './errors.ts'

/** The body of an error (distribution-spec, "Error Codes"). */
export const errorsView = z.object({
  errors: z.array(z.object({ code: z.enum(ociErrorCodes), message: z.string(), detail: z.unknown().optional() })),
})
