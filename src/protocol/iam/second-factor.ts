import { z } from 'zod'

const id = z.string().min(1)
const code = z.string()

/** Body of `POST /v3.0/OS-MFA/virtual-mfa-devices` (IAM API, "Managing MFA Devices"). */
export const createDeviceBody = z.object({
  virtual_mfa_device: z.object({ name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), user_id: id }),
})

/** Body of `PUT /v3.0/OS-MFA/mfa-devices/bind`. */
export const bindDeviceBody = z.object({
  user_id: id,
  serial_number: z.string(),
  authentication_code_first: code,
  authentication_code_second: code,
})

/** Body of `PUT /v3.0/OS-MFA/mfa-devices/unbind`. */
export const unbindDeviceBody = z.object({ user_id: id, serial_number: z.string(), authentication_code: code })

export function serialNumber(accountId: string, name: string): string {
  return `iam:${accountId}:mfa/${name}`
}
