import RedisClient

extension RedisModel {
    /// Subscriptions that stand.
    package var subscriptionCount: Int { subscribers.values.reduce(0) { $0 + $1.count } }

    mutating func publish(_ message: String, to channel: String) -> RESPValue {
        let listening = subscribers[channel] ?? []
        for connection in listening {
            deliveries.append(Delivery(connection: connection, channel: channel, message: message))
        }
        return .count(listening.count)
    }

    mutating func subscribe(
        _ arguments: [String], from connection: ConnectionID
    ) throws(UnknownRedisCommand) -> RESPValue {
        let channel = try onlyChannel(arguments)
        var channels = connections[connection]?.channels ?? []
        if !channels.contains(channel) {
            channels.append(channel)
            subscribers[channel, default: []].append(connection)
            connections[connection, default: Connection()].channels = channels
        }
        return .array([.text("subscribe"), .text(channel), .count(channels.count)])
    }

    mutating func unsubscribe(
        _ arguments: [String], from connection: ConnectionID
    ) throws(UnknownRedisCommand) -> RESPValue {
        let channel = try onlyChannel(arguments)
        removeSubscriber(connection, of: channel)
        connections[connection]?.channels.removeAll { $0 == channel }
        let left = connections[connection]?.channels.count ?? 0
        return .array([.text("unsubscribe"), .text(channel), .count(left)])
    }

    mutating func removeSubscriber(_ connection: ConnectionID, of channel: String) {
        subscribers[channel]?.removeAll { $0 == connection }
        if subscribers[channel]?.isEmpty == true { subscribers[channel] = nil }
    }

    /// Redis answers such a command with a reply for each channel; a call here has one.
    private func onlyChannel(_ arguments: [String]) throws(UnknownRedisCommand) -> String {
        guard arguments.count == 2 else {
            throw UnknownRedisCommand("command \(arguments[0]) with \(arguments.count - 1) channels")
        }
        return arguments[1]
    }
}
