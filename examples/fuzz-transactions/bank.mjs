// The code under test: a couple with two accounts, who may overdraw one as long as the other covers it.

/** Takes money from an account, when what the two have together allows it. */
export async function withdraw(db, id, amount) {
  return db.transaction(
    async (tx) => {
      const together = tx.accounts.getOrThrow('ada').balance + tx.accounts.getOrThrow('bob').balance
      if (together < amount) return false
      tx.accounts.update(id, ({ balance }) => ({ balance: balance - amount }))
      return true
    },
    // The bug: at this level two withdrawals at once each see the money that the other is taking.
    { isolation: 'snapshot' },
  )
}

/** The same without the bug: serializable is the default. */
export async function withdrawSafely(db, id, amount) {
  return db.transaction(async (tx) => {
    const together = tx.accounts.getOrThrow('ada').balance + tx.accounts.getOrThrow('bob').balance
    if (together < amount) return false
    tx.accounts.update(id, ({ balance }) => ({ balance: balance - amount }))
    return true
  })
}
