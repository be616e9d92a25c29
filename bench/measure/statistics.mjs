/** Order statistics of samples. */
export function median(samples) {
  return quantile(samples, 0.5)
}

/** The value below which a share of the samples lies (nearest rank). */
export function quantile(samples, share) {
  const sorted = Float64Array.from(samples).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
}
