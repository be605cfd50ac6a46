/** `default` and `usage` differ from verb to verb. */
export const NAMESPACE = { name: 'namespace', short: 'n', type: 'string' as const };
