import {
  bindDevice,
  listDevices,
  makeDevice,
  removeDevice,
  showDevice,
  unbindDevice,
} from '../../core/accounts/second-factor/for-callers.ts'
import { DomainError } from '../../core/errors.ts'
import { bindDeviceBody, createDeviceBody, serialNumber, unbindDeviceBody } from '../../protocol/iam/second-factor.ts'
import { type Call, gone, type IamDeps, type IamOperation } from './operation.ts'
import { pathText, queryText, readJson } from './reading.ts'

/** IAM API, "Managing MFA Devices": virtual ones, which make codes by RFC 6238. */
export const secondFactorOperations: readonly IamOperation[] = [
  { method: 'POST', path: '/v3.0/OS-MFA/virtual-mfa-devices', route: 'iam.mfa.create', run: create },
  { method: 'GET', path: '/v3.0/OS-MFA/virtual-mfa-devices', route: 'iam.mfa.list', run: list },
  { method: 'DELETE', path: '/v3.0/OS-MFA/virtual-mfa-devices', route: 'iam.mfa.delete', run: remove },
  { method: 'GET', path: '/v3.0/OS-MFA/users/:user/virtual-mfa-device', route: 'iam.mfa.show', run: show },
  { method: 'PUT', path: '/v3.0/OS-MFA/mfa-devices/bind', route: 'iam.mfa.bind', run: bind },
  { method: 'PUT', path: '/v3.0/OS-MFA/mfa-devices/unbind', route: 'iam.mfa.unbind', run: unbind },
]

async function create(deps: IamDeps, call: Call): Promise<Response> {
  const { virtual_mfa_device: asked } = await readJson(call, {
    schema: createDeviceBody,
    limitBytes: deps.limits.bodyBytes,
    expected: 'virtual_mfa_device.name (letters, digits, "_" and "-") and virtual_mfa_device.user_id',
  })
  const { seed } = await makeDevice(deps, call.by, { userId: asked.user_id, name: asked.name })
  const device = { serial_number: serialNumber(call.by.caller.accountId, asked.name), base32_string_seed: seed }
  return Response.json({ virtual_mfa_device: device }, { status: 201, headers: { 'cache-control': 'no-store' } })
}

async function list(deps: IamDeps, call: Call): Promise<Response> {
  const devices = await listDevices(deps, call.by)
  return Response.json({ virtual_mfa_devices: devices.map(({ userId, name }) => viewOf(call, userId, name)) })
}

async function show(deps: IamDeps, call: Call): Promise<Response> {
  const { user, name } = await showDevice(deps, call.by, pathText(call, 'user'))
  return Response.json({ virtual_mfa_device: viewOf(call, user.id, name) })
}

/** The serial number has to be that of the device, so that a slip removes no other. */
async function remove(deps: IamDeps, call: Call): Promise<Response> {
  const userId = queryText(call, 'user_id') ?? call.by.caller.userId
  await requireSerial(deps, call, { userId, serial: queryText(call, 'serial_number') ?? '' })
  await removeDevice(deps, call.by, userId)
  return gone()
}

async function bind(deps: IamDeps, call: Call): Promise<Response> {
  const asked = await readJson(call, {
    schema: bindDeviceBody,
    limitBytes: deps.limits.bodyBytes,
    expected: 'user_id, serial_number, authentication_code_first and authentication_code_second',
  })
  await requireSerial(deps, call, { userId: asked.user_id, serial: asked.serial_number })
  await bindDevice(deps, call.by, {
    userId: asked.user_id,
    codes: [asked.authentication_code_first, asked.authentication_code_second],
    guard: (user, prove) => deps.identity.guarded(user, call.by.origin.sourceAddress, prove),
  })
  return gone()
}

async function unbind(deps: IamDeps, call: Call): Promise<Response> {
  const asked = await readJson(call, {
    schema: unbindDeviceBody,
    limitBytes: deps.limits.bodyBytes,
    expected: 'user_id, serial_number and authentication_code',
  })
  await requireSerial(deps, call, { userId: asked.user_id, serial: asked.serial_number })
  await unbindDevice(deps, call.by, {
    userId: asked.user_id,
    prove: user => deps.identity.proveCode(user, asked.authentication_code, call.by.origin.sourceAddress),
  })
  return gone()
}

async function requireSerial(deps: IamDeps, call: Call, { userId, serial }: { userId: string; serial: string }) {
  const { name } = await showDevice(deps, call.by, userId)
  if (serial === serialNumber(call.by.caller.accountId, name)) return
  throw new DomainError('second_factor_unknown', 'there is no device of this serial number')
}

function viewOf({ by }: Call, userId: string, name: string) {
  return { user_id: userId, serial_number: serialNumber(by.caller.accountId, name) }
}
