import RedisClient

/// Read the stock, decide, write stock and reservation: the work that every lock protects.
///
/// Written once, so all locks are compared on the same work. Two round trips, where the lock does not carry
/// them: see ``CarryingLock``. Safe only while nobody else is in the section of the same product.
struct StockSection<Redis: RedisPort>: Sendable {
    enum Step: Sendable {
        /// `epoch` is what Redis names the stock that was read; empty where it has no name.
        case write(newStock: Int, epoch: String)
        case soldOut(remaining: Int)
        /// This id was reserved before and is open; the stock after that.
        case reservedBefore(remaining: Int, epoch: String)
    }

    let redis: Redis

    /// The read: the stock, and what is recorded under the reservation's id.
    func reading(for reservation: Reservation) -> SectionCall {
        let keys = ProductKeys(reservation.product)
        return SectionCall(
            script: EmbeddedScripts.readStock,
            keys: [keys.stock, keys.reservations, keys.epoch, keys.ended(reservation.id)],
            arguments: [reservation.id.description])
    }

    /// The read and the decision.
    func decide(_ reservation: Reservation, _ evidence: inout Evidence) async throws(StrategyError) -> Step {
        let reply: RESPValue
        do throws(RedisError) {
            reply = try await redis.run(reading(for: reservation), &evidence)
        } catch {
            throw Self.nothingTaken(error, during: "reading the stock of product \(reservation.product)")
        }
        return try decide(reservation, by: reply)
    }

    /// The decision.
    ///
    /// - Parameter reply: What the read answered.
    func decide(_ reservation: Reservation, by reply: RESPValue) throws(StrategyError) -> Step {
        guard let parts = reply.array, parts.count == 3, let epoch = parts[2].string else {
            throw StrategyError(.unavailable, "the script read-stock answered \(reply)")
        }
        switch parts[1].string.flatMap({ ReservationRecord($0) }) {
        case .open(_, let stockAfter): return .reservedBefore(remaining: stockAfter, epoch: epoch)
        case .ended: throw .reservationEnded(reservation.product)
        case nil: break
        }
        if case .null = parts[0] { throw .notStocked(reservation.product) }
        guard let stock = parts[0].stockNumber else { throw .invalidStock(reservation.product) }
        guard stock >= reservation.quantity else { return .soldOut(remaining: stock) }
        return .write(newStock: stock - reservation.quantity, epoch: epoch)
    }

    /// The write: the stock after the reservation.
    ///
    /// - Parameters:
    ///   - epoch: Of the stock that was read; Redis refuses the write when the stock was filled anew since.
    ///   - fence: Of the lease under which it is written; with one, Redis refuses the write when a newer
    ///     grant was made.
    func writing(
        _ newStock: Int, epoch: String, for reservation: Reservation, fence: Fence?
    ) -> SectionCall {
        let keys = ProductKeys(reservation.product)
        let values = [reservation.id.description, String(reservation.quantity), String(newStock), epoch]
        let names = [keys.stock, keys.reservations, keys.epoch, keys.ended(reservation.id)]
        guard let fence else {
            return SectionCall(script: EmbeddedScripts.writeStock, keys: names, arguments: values)
        }
        return SectionCall(
            script: EmbeddedScripts.writeStockFenced, keys: names + [keys.fence],
            arguments: values + [String(fence.rawValue)])
    }

    /// Sends a write alone; what it answered.
    func send(
        _ write: SectionCall, for product: ProductID, _ evidence: inout Evidence
    ) async throws(StrategyError) -> RESPValue {
        do throws(RedisError) {
            return try await redis.run(write, &evidence)
        } catch {
            throw StrategyError(error, during: "writing the stock of product \(product)")
        }
    }

    /// What the write came to.
    ///
    /// - Parameter reply: What the write answered.
    func stock(
        of product: ProductID, after reply: RESPValue, _ evidence: inout Evidence
    ) throws(StrategyError) -> Int {
        let parts = reply.array?.compactMap(\.integer) ?? []
        guard parts.count == 2 else {
            throw StrategyError(.outcomeUnknown, "the write of the stock was answered \(reply)")
        }
        switch parts[0] {
        case 1: return Int(parts[1])
        case -3: throw .reservationEnded(product)
        case -4:
            throw StrategyError(
                .stockReplaced,
                "the stock of product \(product) was filled anew since it was read; nothing was taken")
        default:
            evidence.refusedWrites += 1
            throw StrategyError(
                .leaseLost,
                "the stock of product \(product) was granted to a newer holder; nothing was taken")
        }
    }

    /// Ends a reservation without a sale; the units that went back.
    ///
    /// - Parameter fence: Of the lease under which it is done; with one, Redis refuses it when another grant
    ///   is the newest.
    func cancel(
        _ id: ReservationID, of product: ProductID, fence: Fence? = nil
    ) async throws(StrategyError) -> Int {
        let keys = ProductKeys(product)
        var cost = Evidence()
        let units: Int64
        do throws(RedisError) {
            units =
                try await redis.run(
                    EmbeddedScripts.returnReservation,
                    keys: [keys.stock, keys.reservations, keys.ended(id)]
                        + (fence == nil ? [] : [keys.fence]),
                    arguments: [id.description, ProductKeys.endedHoldsMilliseconds]
                        + (fence.map { [String($0.rawValue)] } ?? []), &cost
                ).integer ?? 0
        } catch {
            throw StrategyError(
                error, during: "returning reservation \(id) of product \(product)", evidence: cost)
        }
        guard units >= 0 else {
            cost.refusedWrites += 1
            throw StrategyError(
                .leaseLost,
                "the stock of product \(product) was granted to a newer holder; nothing went back",
                evidence: cost)
        }
        return Int(units)
    }

    /// A lost reply of a read leaves nothing behind, so its outcome is not unknown.
    static func nothingTaken(_ error: RedisError, during step: String) -> StrategyError {
        switch error.code {
        case .outcomeUnknown, .protocolViolation:
            StrategyError(.unavailable, "\(step): \(error.context)", underlying: error)
        case .unavailable, .timedOut, .cancelled, .refused:
            StrategyError(error, during: step)
        }
    }
}

extension StrategyError {
    static func notStocked(_ product: ProductID) -> StrategyError {
        StrategyError(.notStocked, "Redis holds no stock of product \(product)")
    }

    static func invalidStock(_ product: ProductID) -> StrategyError {
        StrategyError(.invalidStock, "the stock of product \(product) in Redis is not a whole number")
    }

    static func reservationEnded(_ product: ProductID) -> StrategyError {
        StrategyError(
            .reservationEnded,
            "this reservation of product \(product) was ended before it was made; nothing was taken")
    }

    static func checkQuantity(_ reservation: Reservation) throws(StrategyError) {
        guard reservation.quantity >= 1 else {
            throw StrategyError(.invalidRequest, "the quantity is \(reservation.quantity); 1 is the least")
        }
    }
}
