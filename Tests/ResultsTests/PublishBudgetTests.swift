import Results
import Testing

@Suite struct PublishBudgetTests {
    /// A run of a day whose journal grows by `rate` bytes a second, and whose publishing takes `cost` seconds a byte: at
    /// no time has more than 2 % gone into publishing. The file is published until the end, unless writing it once
    /// would already take more than 2 % of the time in which it grew (rate times cost above 0.02).
    @Test(arguments: [(1e3, 1e-8), (1e5, 3e-8), (1e6, 1e-8), (1e5, 1.5e-7), (1e6, 3e-7)])
    func publishingStaysWithinItsShareHoweverTheFileGrows(rate: Double, cost: Double) {
        var budget = PublishBudget(share: 0.02, pause: 2, begun: 100)
        var now = 100.0
        var times: [Double] = []
        while now < 100 + 86_400 {
            now += 0.2
            let bytes = Int(rate * (now - 100))
            guard budget.isDue(at: now, bytes: bytes) else { continue }
            let end = now + cost * Double(bytes)
            budget.took(end - now, until: end, bytes: bytes)
            now = end
            times.append(end - 100)
            // The very first is guessed; from the second on the cost is known.
            if times.count > 1 { #expect(budget.spent <= PublishBudget.allowance + 0.0201 * (now - 100)) }
        }
        if rate * cost < 0.02 {
            #expect(times.count >= 3)
            #expect((times.last ?? 0) > 20_000)
        }
    }

    @Test func smallFilesArePublishedEveryTwoSeconds() {
        var budget = PublishBudget(share: 0.02, pause: 2, begun: 0)
        #expect(!budget.isDue(at: 1.9, bytes: 1000))
        #expect(budget.isDue(at: 2, bytes: 1000))
        budget.took(0.01, until: 2.01, bytes: 1000)
        #expect(!budget.isDue(at: 4, bytes: 1000))
        #expect(budget.isDue(at: 4.02, bytes: 2000))
    }
}
