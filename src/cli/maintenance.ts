import { administer } from '../app/administration.ts'
import { DomainError } from '../core/errors.ts'
import { type Command, optionValue, print, requireConfig } from './command.ts'

export const maintenanceCommands: readonly Command[] = [
  {
    words: ['maintenance', 'on'],
    summary: 'Make the registry read-only at once, beside the running server.',
    options: [{ name: 'reason', value: 'TEXT', about: 'What clients are told whose changes are refused.' }],
    examples: [
      {
        line: 'stower maintenance on --reason "moving to new disks until 14:00"',
        does: 'Pulls and logins go on; pushes, deletions and the clean-up of content wait.',
      },
    ],
    settings: 'accepted',
    run: async invocation => {
      const reason = optionValue(invocation, 'reason')
      if (reason === undefined) throw new DomainError('parameter_invalid', '--reason is needed: clients are shown it')
      await administer(requireConfig(invocation), each => each.beginMaintenance(reason))
      print(`the registry is read-only: ${reason}`)
      return 0
    },
  },
  {
    words: ['maintenance', 'off'],
    summary: 'Take changes again.',
    examples: [{ line: 'stower maintenance off', does: 'In force at once.' }],
    settings: 'accepted',
    run: async invocation => {
      const wasOn = await administer(requireConfig(invocation), each => each.endMaintenance())
      print(wasOn ? 'maintenance is over' : 'there was no maintenance')
      const { readOnlyReason } = requireConfig(invocation).switches
      if (readOnlyReason !== undefined) print(`the settings keep the registry read-only: ${readOnlyReason}`)
      return 0
    },
  },
  {
    words: ['maintenance', 'show'],
    summary: 'Show whether the registry is read-only, and why.',
    examples: [{ line: 'stower maintenance show', does: 'Since when, and the reason.' }],
    settings: 'accepted',
    run: async invocation => {
      const { readOnlyReason } = requireConfig(invocation).switches
      const maintenance = await administer(requireConfig(invocation), each => each.getMaintenance())
      if (readOnlyReason !== undefined) print(`read-only by the settings: ${readOnlyReason}`)
      if (maintenance) print(`read-only since ${new Date(maintenance.sinceMs).toISOString()}: ${maintenance.reason}`)
      if (readOnlyReason === undefined && !maintenance) print('changes are taken')
      return 0
    },
  },
]
