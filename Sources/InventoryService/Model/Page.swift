/// A window on a list.
public struct Page: Sendable, Hashable {
    public static let limits = 1...100

    /// Items before the window.
    public let skip: Int
    /// Items in the window, at most.
    public let limit: Int
    /// The id of the item right before the window, in the list's own order; nil: it begins with the list. A
    /// list that is read from item to item costs the same on every page, and shows no item twice when others
    /// are added.
    public let after: Int64?

    /// - Throws: ``InventoryError`` with `.invalidField`: skip below 0 or limit outside 1 to 100.
    public init(skip: Int = 0, limit: Int = 100, after: Int64? = nil) throws(InventoryError) {
        guard (0...Bounds.units).contains(skip) else {
            throw .invalid("skip", "must be a whole number from 0 to \(Bounds.units)")
        }
        guard Self.limits.contains(limit) else {
            throw .invalid("limit", "must be a whole number from 1 to 100")
        }
        self.skip = skip
        self.limit = limit
        self.after = after
    }
}

/// The items of one page, and how many there are on all pages.
public struct Listing<Item: Sendable>: Sendable {
    public let items: [Item]
    public let total: Int

    public init(items: [Item], total: Int) {
        self.items = items
        self.total = total
    }
}
