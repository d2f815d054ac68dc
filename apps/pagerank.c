/* pagerank EDGES: the rank of each node of a graph. It teaches iteration: what a job has made stays with the workers, as the input of the
   next; rank 0 sees two sums of each. Ranks are integers, in units of 2^-60: their sums are exact, so that a combiner may add them in any order
   and the digits are the same on any number of ranks, and counters carry what the next iteration has to know of all nodes.

   A node is a pair of its name and (rank, its links' names). It gives each link an equal part of D times its rank. What no link carries, D
   or not, because nodes have none or parts are cut to whole units, goes to all nodes evenly: so ranks sum to 1. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <rankfold.h>
#include <string.h>
#include <sysexits.h>

#include "decimal.h"
#include "kept_values.h"
#include "keyed_options.h"

#define ONE ((int64_t)1 << 60)
#define TOLERANCE_LEAST 1e-15           /* the steps of doubles, in which a sum is multiplied by D */

static keyed_options said;
static double damping = 0.85, tolerance = 1e-10;

/* ---- the graph ---------------------------------------------------------------------------------------------------- */

static int no_edge(rf_call *call, uint64_t offset)
{
    const char *path = rf_call_path(call);
    return rf_fail(call, "format", "%s: the line at byte %" PRIu64 " is no edge: it must be two names with one tab between them",
                   path ? path : "standard input", rf_call_offset(call) + offset);
}

/* A node exists where links lead to, too: there the value is nil. */
static int edges_of_block(rf_call *call, rf_value text)
{
    const char *begin = text.data;
    rf_value line;
    while (rf_take_line(&text, &line) == RF_OK) {
        const char *at = line.data, *end = at + rf_size(line), *tab = memchr(at, '\t', rf_size(line));
        if (!tab || memchr(tab + 1, '\t', (size_t)(end - tab - 1)))
            return no_edge(call, (uint64_t)(at - begin));
        rf_value from = rf_text(at, (size_t)(tab - at)), to = rf_text(tab + 1, (size_t)(end - tab - 1));
        if (rf_emit_pair(call, from, to) || rf_emit_pair(call, to, rf_nil()))
            return RF_EFUNCTION;
    }
    return RF_OK;
}
RF_REGISTER(edges_of_block);

/* Of values that say no more than that the node exists one is enough. */
static int drop_repeated(rf_call *call, rf_value node, rf_group *links)
{
    rf_value link;
    bool exists = false;
    int status;
    while ((status = rf_group_next(links, &link)) == RF_OK) {
        bool repeated = exists && rf_type_of(link) == RF_NIL;
        exists |= rf_type_of(link) == RF_NIL;
        if (!repeated && rf_emit_pair(call, node, link))
            return RF_EFUNCTION;
    }
    return status == RF_END ? RF_OK : status;
}
RF_REGISTER(drop_repeated);

static int node_of_links(rf_call *call, rf_value node, rf_group *links)
{
    (void)node;
    kept_values kept = {0};
    rf_value link;
    int status;
    while ((status = rf_group_next(links, &link)) == RF_OK)
        if (rf_type_of(link) != RF_NIL && keep_value(call, &kept, link))
            return RF_ENOMEM;
    return status == RF_END ? RF_RETURN(call, 0, rf_tuple_of(kept.at, kept.count)) : status;
}
RF_REGISTER(node_of_links);

/* ---- one iteration ------------------------------------------------------------------------------------------------ */

typedef struct iteration {
    double damping;
    int64_t base;                       /* what each node gets whatever its links */
} iteration;

/* A node's rank and links go to its own place, parts of the rank to those that it links to. */
static int spread(rf_call *call, rf_value pair)
{
    rf_value node, state, links, link;
    int64_t rank;
    if (RF_ARGS(call, pair, node, state) || RF_ARGS(call, state, rank, links) || rf_emit_pair(call, node, state))
        return RF_EARGS;
    int64_t part = rank && rf_elements(links) ? rank / (int64_t)rf_elements(links) : 0;
    while (part && rf_take(&links, &link) == RF_OK)
        if (RF_EMIT(call, link, part))
            return RF_EFUNCTION;
    return RF_OK;
}
RF_REGISTER(spread);

/* The parts of a node become one; its rank and links stay what they are. */
static int add_parts(rf_call *call, rf_value node, rf_group *values)
{
    rf_value value;
    int64_t sum = 0;
    int status;
    while ((status = rf_group_next(values, &value)) == RF_OK)
        if (rf_type_of(value) != RF_TUPLE_TYPE)
            sum += rf_i64(value);
        else if (rf_emit_pair(call, node, value))
            return RF_EFUNCTION;
    if (status != RF_END)
        return status;
    return sum ? RF_EMIT(call, node, sum) : RF_OK;
}
RF_REGISTER(add_parts);

/* Counts what the links will carry in the next iteration, and by how much ranks have changed. */
static int count_all(rf_call *call, int64_t rank, int64_t before, uint64_t links)
{
    int64_t carried = links ? rank / (int64_t)links * (int64_t)links : 0;
    return rf_call_count(call, "carried", carried) || rf_call_count(call, "changed", rank > before ? rank - before : before - rank);
}

static int next_rank(rf_call *call, rf_value node, rf_group *values)
{
    const iteration *now = RF_CALL_STATE(call, iteration);
    rf_value value, links = rf_nil(), state = rf_nil();
    int64_t sum = 0, before = 0;
    int status = now ? RF_OK : RF_EARGS;
    while (status == RF_OK && (status = rf_group_next(values, &value)) == RF_OK)
        if (rf_type_of(value) == RF_TUPLE_TYPE)
            state = rf_call_keep(call, value);
        else
            sum += rf_i64(value);
    if (status != RF_END || RF_ARGS(call, state, before, links))
        return status == RF_END ? RF_EARGS : status;
    int64_t rank = now->base + llrint(now->damping * (double)sum);
    if (count_all(call, rank, before, rf_elements(links)))
        return RF_EFUNCTION;
    return RF_EMIT(call, node, RF_TUPLE(rank, links));
}
RF_REGISTER(next_rank);

static int iterate(rf_pool *pool, const iteration *now, rf_dataset **graph)
{
    RF_AUTO(rf_dataset, before);
    before = *graph;
    return rf_mapreduce(pool,
                        RF_JOB(.inputs = {{.source = rf_dataset_source(before), .mapper = spread}}, .combiner = add_parts,
                               .reducer = next_rank, .state = RF_STATE(*now), .memory = said.memory),
                        RF_OPTIONS(KEYED_RUN(said)), graph);
}

/* ---- all of them -------------------------------------------------------------------------------------------------- */

static int read_graph(rf_pool *pool, rf_dataset **graph)
{
    return rf_mapreduce(pool,
                        RF_JOB(.inputs = {{.source = rf_splits(said.paths.at, 1), .mapper = edges_of_block}}, .combiner = drop_repeated,
                               .reducer = node_of_links, .memory = said.memory),
                        RF_OPTIONS(KEYED_RUN(said)), graph);
}

static int64_t base_of(double of_links, int64_t carried, uint64_t nodes)
{
    return (ONE - llrint(of_links * (double)carried)) / (int64_t)nodes;
}

/* Without damping the first gives all nodes the same rank. Each change is at most D times the one before: where it is not, rounding is
   all that is left of it. */
static int rank_all(rf_pool *pool, rf_dataset **graph)
{
    uint64_t nodes = rf_dataset_len(*graph);
    if (!nodes)
        return RF_OK;
    iteration now = {.base = base_of(0, 0, nodes)};
    int64_t changed = INT64_MAX, before;
    int status = iterate(pool, &now, graph);
    now.damping = damping;
    do {
        before = changed;
        now.base = base_of(damping, rf_dataset_counter(*graph, "carried"), nodes);
        status = status ? status : iterate(pool, &now, graph);
        changed = rf_dataset_counter(*graph, "changed");
    } while (status == RF_OK && (double)changed > tolerance * (double)ONE && changed < before);
    return status;
}

static int rank_of_node(rf_call *call, rf_value pair)
{
    rf_value node, state, links;
    int64_t rank;
    if (RF_ARGS(call, pair, node, state) || RF_ARGS(call, state, rank, links))
        return RF_EARGS;
    return RF_EMIT(call, node, (double)rank / (double)ONE);
}
RF_REGISTER(rank_of_node);

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    RF_AUTO(rf_dataset, graph);
    RF_AUTO(rf_dataset, ranks);
    int status = keyed_begin(&said);
    if (status)
        return status;
    status = read_graph(pool, &graph);
    if (status == RF_OK)
        status = rank_all(pool, &graph);
    if (status == RF_OK)
        status = rf_mapreduce(pool,
                              RF_JOB(.inputs = {{.source = rf_dataset_source(graph), .mapper = rank_of_node}}, .order = RF_BY_KEY_GLOBAL,
                                     KEYED_JOB(said)),
                              RF_OPTIONS(KEYED_RUN(said)), &ranks);
    return keyed_end(&said, pool, ranks, status);
}

/* ---- the command line --------------------------------------------------------------------------------------------- */

enum { DAMPING = 0x300, TOLERANCE };

static error_t parse(int key, char *value, struct argp_state *state)
{
    switch (key) {
    case DAMPING:
        if (decimal_read(value, strlen(value), &damping) && damping >= 0 && damping < 1)
            return 0;
        return command_line_wrong("--damping %s: it must be a number from 0 to below 1", value);
    case TOLERANCE:
        if (decimal_read(value, strlen(value), &tolerance) && tolerance >= TOLERANCE_LEAST && tolerance <= 1)
            return 0;
        return command_line_wrong("--tolerance %s: it must be a number from %g to 1", value, TOLERANCE_LEAST);
    case ARGP_KEY_END:
        if (said.paths.count != 1)
            return command_line_wrong("one file is needed: pagerank EDGES (try --help)");
        return keyed_options_key(key, value, state, &said);
    default:
        return keyed_options_key(key, value, state, &said);
    }
}

static int setup(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"damping", DAMPING, "D", 0, "how much of a rank is passed on along links, from 0 to below 1 (0.85)", 0},
        {"tolerance", TOLERANCE, "T", 0, "go on until the ranks change by no more than T in all (1e-10)", 0},
        KEYED_OPTIONS,
        {0},
    };
    static const struct argp command = {
        .options = options, .parser = parse, .args_doc = "EDGES",
        .doc = "Ranks the nodes of a graph. EDGES has lines of two names, from and to, with a tab between them; a line that comes again "
               "is one more link. Prints a line for each node in the order of bytes: its name, a tab and its rank. The rank of a node "
               "without links is spread over all nodes; all ranks sum to 1.\v"
               "A directory stands for the regular files below it, - for standard input; a name that ends in .gz is decompressed. The "
               "links of one node have to fit in a worker's memory, and below 2 GiB. The status is 0; 65 when something could not be "
               "read or a line is no edge, then nothing is written; 64 for wrong use, 66 when a file does not exist, 73 when the output "
               "cannot be written.",
    };
    return command_line_parse(&command, argc, argv, EX_USAGE);
}

int main(int argc, char **argv) { return rf_main_setup(argc, argv, setup, driver); }
