"""The works of hand.c and rank.c in Python: multiprocessing.Pool, or mpi4py.futures under mpirun.

    pool.py pool MODE ARGUMENT...
    mpirun -n 3 python3 -m mpi4py.futures pool.py mpi4py MODE ARGUMENT...

Two workers, as in the others' three ranks. Prints one figure, after the results have been checked; modes as in hand.c.
"""

import multiprocessing
import sys
import time

MIB = 1 << 20
PAGE = 4096
WORKERS = 2


def noop(item):
    return item + 1


def spin(loops):
    """The work itself is Python's: loops are calibrated in this interpreter."""
    for _ in range(loops):
        pass
    return loops + 1


def first_and_last(item):
    return item[0] + item[-1] + len(item)


def large(index):
    return bytes([index % 251]) + bytes(MIB - 2) + bytes([index % 13])


def expected(index):
    return index % 251 + index % 13 + MIB


def loops_per_microsecond():
    best = 0
    for _ in range(5):
        before = time.process_time()
        spin(2000000)
        best = max(best, 2 / (time.process_time() - before))
    return best


class Pool:
    def __init__(self):
        self.pool = multiprocessing.Pool(WORKERS)
        self.pool.map(noop, range(1000))

    def map(self, function, items):
        return self.pool.map(function, items)

    def one_by_one(self, function, items):
        return self.pool.imap_unordered(function, items, chunksize=1)


class Mpi4py:
    def __init__(self):
        from mpi4py.futures import MPIPoolExecutor

        self.pool = MPIPoolExecutor()
        list(self.pool.map(noop, range(1000), chunksize=10))

    def map(self, function, items):
        return list(self.pool.map(function, items, chunksize=max(1, len(items) // (4 * WORKERS))))

    def one_by_one(self, function, items):
        return self.pool.map(function, items, chunksize=1, unordered=True)


def measured(run):
    before = time.perf_counter()
    results = run()
    return time.perf_counter() - before, results


def check(right):
    if not right:
        sys.exit("pool.py: wrong results")


def noop_one(workers, items):
    seconds, total = measured(lambda: sum(workers.one_by_one(noop, range(items))))
    check(total == items * (items + 1) // 2)
    return items / seconds


def noop_auto(workers, items):
    seconds, results = measured(lambda: workers.map(noop, range(items)))
    check(results == list(range(1, items + 1)))
    return items / seconds


def efficiency(workers, items, microseconds):
    rate = loops_per_microsecond()
    loops = int(rate * microseconds)
    seconds, total = measured(lambda: sum(workers.one_by_one(spin, [loops] * items)))
    check(total == items * (loops + 1))
    return 100 * items * microseconds * 1e-6 / (WORKERS * seconds)


def large_in(workers, items):
    sent = [large(i) for i in range(items)]
    seconds, total = measured(lambda: sum(workers.one_by_one(first_and_last, sent)))
    check(total == sum(map(expected, range(items))))
    return items / seconds


def large_out(workers, items):
    seconds, results = measured(lambda: list(workers.one_by_one(large, range(items))))
    check(sum(map(first_and_last, results)) == sum(map(expected, range(items))))
    return items / seconds


def empty(workers):
    workers.map(noop, range(0))
    return 0


MODES = {"noop-one": noop_one, "noop-auto": noop_auto, "efficiency": efficiency, "in": large_in, "out": large_out,
         "empty": empty}


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("pool", "mpi4py") or sys.argv[2] not in MODES:
        sys.exit(__doc__)
    workers = Pool() if sys.argv[1] == "pool" else Mpi4py()
    print("%.6g" % MODES[sys.argv[2]](workers, *(int(float(a)) for a in sys.argv[3:])))


if __name__ == "__main__":
    main()
