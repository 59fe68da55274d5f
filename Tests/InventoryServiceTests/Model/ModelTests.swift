import Foundation
import InventoryService
import Testing

@Suite struct ModelTests {
    @Test(
        "A timestamp is written as RFC 3339 in UTC and read back",
        arguments: [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (1_709_251_199_999_999, "2024-02-29T23:59:59.999999Z"),
            (4_102_444_800_000_000, "2100-01-01T00:00:00.000000Z"),
            (253_402_300_799_000_000, "9999-12-31T23:59:59.000000Z"),
        ] as [(Int64, String)])
    func timestampText(microseconds: Int64, text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
        #expect(Timestamp(stored: text)?.microseconds == microseconds)
    }

    @Test("A timestamp agrees with Foundation on every day of 400 years")
    func timestampAgreesWithFoundation() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        for day in stride(from: Int64(0), to: 146_097, by: 13) {
            let text = Timestamp(microseconds: day * 86_400_000_000).description
            let parts = calendar.dateComponents(
                [.year, .month, .day], from: Date(timeIntervalSince1970: Double(day) * 86_400))
            let numbers = text.prefix(10).split(separator: "-").map { Int($0) }
            #expect(numbers == [parts.year, parts.month, parts.day])
        }
    }

    @Test(
        "A text that is not a stored timestamp is refused",
        arguments: ["", "2024-02-29", "2024-13-01T00:00:00.000000Z", "2024-02-29T23:59:59.99999xZ"])
    func badTimestamp(text: String) {
        #expect(Timestamp(stored: text) == nil)
    }

    @Test(
        "A product with a field out of its range is refused, and the field is named",
        arguments: [
            ("", 1, 1, "name"), (String(repeating: "n", count: 101), 1, 1, "name"), ("a\0", 1, 1, "name"),
            ("a", -1, 1, "price"), ("a", 1_000_000_001, 1, "price"), ("a", 1, -1, "initial_stock"),
            ("a", 1, 1_000_000_001, "initial_stock"),
        ])
    func badProduct(name: String, price: Int, stock: Int, field: String) {
        let error = #expect(throws: InventoryError.self) {
            try NewProduct(name: name, price: price, initialStock: stock)
        }
        #expect(error?.field == field)
    }

    @Test(
        "A page outside its limits is refused",
        arguments: [(-1, 10, "skip"), (0, 0, "limit"), (0, 101, "limit")])
    func badPage(skip: Int, limit: Int, field: String) {
        let error = #expect(throws: InventoryError.self) { try Page(skip: skip, limit: limit) }
        #expect(error?.field == field)
    }

    @Test(
        "An idempotency key has 1 to 255 visible characters",
        arguments: ["", "a b", "é", String(repeating: "k", count: 256)])
    func badKey(text: String) {
        #expect(throws: InventoryError.self) { try IdempotencyKey(text) }
    }

    @Test("An error says its code and its sentence")
    func errorText() {
        let error = InventoryError(.ledgerOverloaded, "too many writes wait")
        #expect(error.description == "ledger-overloaded: too many writes wait")
        #expect(error.file.hasSuffix("ModelTests.swift"))
    }
}
