package import InventoryService
import NIOCore

/// The text of a purchase, without a request: for the program that counts what it costs
/// (`./lab check --cost`).
package enum PurchaseTextCost {
    /// Writes the body of an answer to a purchase.
    ///
    /// - Returns: How many bytes it has.
    package static func bytes(of purchase: Purchase) -> Int {
        JSONText.object { $0.fields(of: purchase) }.readableBytes
    }
}
