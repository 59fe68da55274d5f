/// What an administrator changes of a product; what is nil stays as it is.
public struct ProductChange: Sendable, Hashable {
    public let name: String?
    /// `.some(nil)` removes the description.
    public let description: String??
    public let price: Int?

    /// - Throws: ``InventoryError`` with `.invalidField`, by the rules of ``NewProduct``.
    public init(name: String? = nil, description: String?? = nil, price: Int? = nil) throws(InventoryError) {
        let checked = try NewProduct(
            name: name ?? "unchanged", description: description ?? nil, price: price ?? 0, initialStock: 0)
        self.name = name.map { _ in checked.name }
        self.description = description.map { _ in checked.description }
        self.price = price.map { _ in checked.price }
    }
}
