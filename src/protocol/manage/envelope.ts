import { z } from 'zod'

/**
 * The body of an error answer. SWR's own documentation, its SDKs and Terraform read different keys of it, so it holds
 * all of them: the `errors` array of the old form and the top-level pairs of the newer ones.
 */
export const errorEnvelope = z.object({
  errors: z.array(z.object({ errorCode: z.string(), errorMessage: z.string(), detail: z.string() })),
  errorCode: z.string(),
  errorMsg: z.string(),
  error_code: z.string(),
  error_msg: z.string(),
  details: z.array(z.object({ error_code: z.string(), error_msg: z.string() })),
  request_id: z.string(),
})

export type ErrorEnvelope = z.infer<typeof errorEnvelope>

/** `object` is the envelope; `array` its `errors` alone, as Open Telekom Cloud's pages print them. */
export const errorForms = ['object', 'array'] as const

export type ErrorForm = (typeof errorForms)[number]

/** The body of an error answer in each form. */
export const errorViews = { object: errorEnvelope, array: errorEnvelope.shape.errors } as const

export function errorBodyOf(envelope: ErrorEnvelope, form: ErrorForm): ErrorEnvelope | ErrorEnvelope['errors'] {
  return form === 'array' ? envelope.errors : envelope
}

/** `code` is whole (`SVCSTG.SWR.4040058`); `detail` may be empty. */
export function makeEnvelope(error: {
  code: string
  message: string
  detail: string
  requestId: string
}): ErrorEnvelope {
  const { code, message, detail } = error
  return {
    errors: [{ errorCode: code, errorMessage: message, detail }],
    errorCode: code,
    errorMsg: message,
    error_code: code,
    error_msg: message,
    details: [{ error_code: code, error_msg: detail === '' ? message : detail }],
    request_id: error.requestId,
  }
}
