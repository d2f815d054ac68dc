/* The energy of a thousand particles in a model. It teaches bound state (the model's parameters, sent once to each
   worker) and an array of structs as items. */
#include <rankfold.h>
#include <math.h>

struct model { double decay, scale; };
struct particle { double x, y, z; };

static int energy(rf_call *call, rf_value item)
{
    const struct model *m = RF_CALL_STATE(call, struct model);
    const struct particle *p = RF_AS(call, item, struct particle);
    if (!m || !p)
        return RF_EARGS;
    return RF_RETURN(call, m->scale * exp(-m->decay * (p->x * p->x + p->y * p->y + p->z * p->z)));
}
RF_REGISTER(energy, .options = {.max_active = 10000});

static int driver(rf_pool *pool, int argc, char **argv)
{
    (void)argc, (void)argv;
    static struct particle particles[1000];
    for (int i = 0; i < 1000; i++)
        particles[i] = (struct particle){.x = i % 10, .y = i / 10 % 10, .z = i / 100};
    struct model model = {.decay = 0.1, .scale = 2};
    RF_AUTO(rf_results, results);
    int status = rf_map(pool, energy, RF_ARRAY(particles, 1000), RF_OPTIONS(.state = RF_STATE(model)), &results);
    double sum = 0;                                     /* in order, so that it is the same on any number of ranks */
    for (uint64_t i = 0; i < rf_results_len(results); i++)
        sum += rf_f64(rf_results_value(results, i));
    printf("%.17g\n", sum);
    return status;
}

int main(int argc, char **argv) { return rf_main(argc, argv, driver); }
