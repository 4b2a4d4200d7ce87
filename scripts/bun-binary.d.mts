export function bunBinary(root: string): string
export function bunPackage(): string
export function isMusl(): boolean
