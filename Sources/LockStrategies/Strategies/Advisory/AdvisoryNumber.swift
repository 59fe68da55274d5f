/// The number by which PostgreSQL knows a lock.
///
/// PostgreSQL has two spaces of advisory locks, one of a single number and one of two, which never meet. The
/// ledger's locks are in the one of two. Here the first 16 bits say whose lock it is, so a program that locks
/// small numbers in the same database does not meet these either; the other 48 are the number of the product.
/// A key that is no product's lock has a hash there, behind a bit that no product has. Two of those may share
/// a number: then one waits for the other, and nothing else happens.
///
/// In the view `pg_locks` the column `objid` is the number of the product, for products below 2³².
enum AdvisoryNumber {
    /// The letters LK.
    static let space: UInt64 = 0x4C4B << 48
    private static let hashed: UInt64 = 1 << 47

    static func number(of key: LockKey) -> Int64 {
        if let product = ProductKeys.product(of: key)?.rawValue, ProductKeys(ProductID(product)).lock == key,
            let rest = UInt64(exactly: product), rest < hashed
        {
            return Int64(bitPattern: space | rest)
        }
        return Int64(bitPattern: space | hashed | (hash(key) & (hashed - 1)))
    }

    /// FNV-1a with 64 bits: the same in every process and in every version.
    private static func hash(_ key: LockKey) -> UInt64 {
        key.description.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
