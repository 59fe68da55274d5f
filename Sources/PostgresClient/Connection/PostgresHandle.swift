import CPostgres
import Foundation

/// libpq's connection, freed with this. Its holder keeps it behind a lock: libpq allows one caller at a time.
///
/// Every function returns at once, but for ``step()``: while it connects, libpq looks up names and waits for
/// the answer.
@safe struct PostgresHandle: ~Copyable {
    private let connection: OpaquePointer

    enum Step: Sendable {
        case waitToRead
        case waitToWrite
        case connected
        case failed
    }

    /// - Returns: Nil when there is no memory.
    init?(_ endpoint: PostgresEndpoint) {
        let options = endpoint.options
        var keywords = unsafe options.map { unsafe UnsafePointer<CChar>(strdup($0.name)) } + [nil]
        var values = unsafe options.map { unsafe UnsafePointer<CChar>(strdup($0.value)) } + [nil]
        defer {
            for index in options.indices {
                unsafe free(UnsafeMutablePointer(mutating: keywords[index]))
                unsafe free(UnsafeMutablePointer(mutating: values[index]))
            }
        }
        guard let connection = unsafe PQconnectStartParams(&keywords, &values, 0) else { return nil }
        unsafe self.connection = connection
        // What a server tells beside its answers would be printed.
        _ = unsafe PQsetNoticeReceiver(connection, { _, _ in }, nil)
        // A failed sign-in is told by its code alone, because words come in the language of the server.
        _ = unsafe PQsetErrorVerbosity(connection, PQERRORS_SQLSTATE)
    }

    deinit { unsafe PQfinish(connection) }

    var socket: Int32 { unsafe PQsocket(connection) }

    var isAlive: Bool { unsafe PQstatus(connection) == CONNECTION_OK }

    /// No transaction is open.
    var isIdle: Bool { unsafe PQtransactionStatus(connection) == PQTRANS_IDLE }

    /// In the words of libpq, or of the server.
    var message: String { unsafe String(cString: PQerrorMessage(connection)) }

    // MARK: - To connect

    /// The next step of connecting. May wait for the answer of a name server.
    func step() -> Step {
        if unsafe PQstatus(connection) == CONNECTION_BAD { return .failed }
        switch unsafe PQconnectPoll(connection) {
        case PGRES_POLLING_READING: return .waitToRead
        case PGRES_POLLING_WRITING: return .waitToWrite
        case PGRES_POLLING_OK:
            _ = unsafe PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
            let isReady = unsafe PQsetnonblocking(connection, 1) == 0 && PQenterPipelineMode(connection) == 1
            return isReady ? .connected : .failed
        default: return .failed
        }
    }

    // MARK: - To send

    /// - Returns: False when it was not accepted; see ``message``.
    func prepare(_ name: String, _ sql: String) -> Bool {
        unsafe PQsendPrepare(connection, name, sql, 0, nil) == 1
    }

    func execute(_ command: PostgresCommand) -> Bool {
        let values = unsafe command.values.map { value in
            unsafe value.encoded.map { unsafe UnsafePointer<CChar>(strdup($0)) } ?? nil
        }
        defer {
            for index in command.values.indices { unsafe free(UnsafeMutablePointer(mutating: values[index])) }
        }
        let count = Int32(command.values.count)
        if let name = command.statement.name {
            return unsafe PQsendQueryPrepared(connection, name, count, values, nil, nil, 0) == 1
        }
        return unsafe PQsendQueryParams(connection, command.statement.sql, count, nil, values, nil, nil, 0)
            == 1
    }

    /// Ends a group of commands: an error skips those behind it up to here.
    func sync() -> Bool { unsafe PQpipelineSync(connection) == 1 }

    /// - Returns: Whether all was sent; nil when the connection ended.
    func flush() -> Bool? {
        switch unsafe PQflush(connection) {
        case 0: true
        case 1: false
        default: nil
        }
    }

    // MARK: - To receive

    /// - Returns: False when the connection ended.
    func consume() -> Bool { unsafe PQconsumeInput(connection) == 1 }

    enum Reply: Sendable {
        /// More has to come first.
        case none
        /// The results of one command are through.
        case endOfCommand
        case result(PostgresResult)
        case failure(PostgresError)
        /// An error before it made the server skip it.
        case skipped
        /// All commands before a ``sync()`` are through.
        case synced
    }

    func reply() -> Reply {
        guard unsafe PQisBusy(connection) == 0 else { return .none }
        guard let result = unsafe PQgetResult(connection) else { return .endOfCommand }
        defer { unsafe PQclear(result) }
        switch unsafe PQresultStatus(result) {
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: return .result(unsafe Self.value(result))
        case PGRES_PIPELINE_SYNC: return .synced
        case PGRES_PIPELINE_ABORTED: return .skipped
        default: return .failure(unsafe failure(result))
        }
    }

    private static func value(_ result: OpaquePointer) -> PostgresResult {
        let columns = unsafe PQnfields(result)
        let rows = unsafe (0..<PQntuples(result)).map { row in
            PostgresRow(
                (0..<columns).map { column in
                    guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
                    let length = Int(unsafe PQgetlength(result, row, column))
                    let bytes = unsafe UnsafeRawBufferPointer(
                        start: PQgetvalue(result, row, column), count: length)
                    return unsafe String(decoding: bytes, as: UTF8.self)
                })
        }
        let count = unsafe Int(String(cString: PQcmdTuples(result))) ?? 0
        return PostgresResult(rows: rows, count: count, tag: unsafe String(cString: PQcmdStatus(result)))
    }

    private func failure(_ result: OpaquePointer) -> PostgresError {
        let state = unsafe Self.field(result, "C").map { SQLState($0) }
        let words = unsafe Self.field(result, "M")
        if let state, isAlive, !state.endsConnection {
            return PostgresError(.refused, words ?? "PostgreSQL refused a statement", sqlState: state)
        }
        return PostgresError(
            .lost, "the connection to PostgreSQL ended" + (words.map { ": \($0)" } ?? ""), sqlState: state)
    }

    /// - Parameter code: A letter, as the protocol names its fields.
    private static func field(_ result: OpaquePointer, _ code: Unicode.Scalar) -> String? {
        unsafe PQresultErrorField(result, Int32(code.value)).map { unsafe String(cString: $0) }
    }
}
