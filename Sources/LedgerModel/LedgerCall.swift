/// One call of the ledger's protocol, as a hook of ``ModelLedger`` sees it.
package enum LedgerCall: String, Sendable, CaseIterable {
    case createUser, user, credentials, standing, changeUser, users
    case createProduct, withdrawProduct, product, products, deleteProduct, changeProduct
    case recordSale, recordRefusal, recordMovement
    case unitsBought, highestFence, answer, purchasesOfUser, purchases
    case stockAccounts, stockAccount, recorded, end, forgetEnded, beginFilling
    case stockServers, noteStockServers
    case check

    /// Whether the call goes through the writer of the ledger: then it may wait in the writer's queue, be
    /// refused there, and end as `.recordUnknown`.
    package var isWrite: Bool {
        switch self {
        case .createUser, .changeUser, .createProduct, .withdrawProduct, .deleteProduct, .changeProduct,
            .recordSale, .recordRefusal, .recordMovement, .end, .forgetEnded, .beginFilling,
            .noteStockServers, .check:
            true
        case .user, .credentials, .standing, .users, .product, .products, .unitsBought, .highestFence,
            .answer, .purchasesOfUser, .purchases, .stockAccounts, .stockAccount, .recorded, .stockServers:
            false
        }
    }
}
