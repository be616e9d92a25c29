/** What a text search asks for, as plain frozen data. */
export type TextQuery = { readonly kind: 'none' }
