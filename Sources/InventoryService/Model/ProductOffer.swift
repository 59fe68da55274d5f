/// A product and what of it can still be sold.
public struct ProductOffer: Sendable, Hashable {
    public let product: Product
    /// Nil where Redis knows no stock of it.
    public let stock: Int?
}
