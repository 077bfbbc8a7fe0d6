/* SPDX-License-Identifier: Apache-2.0 */
/* The table of LIFECYCLE §4, case by case: class × outcome × what was open × life of the access token. */
#include "core/rotation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

/* An ambiguous attempt, as §4.7 says it. The row: class, within the window. */
static const struct {
	enum rotation rotation;
	bool in_window;
	/* The steps for [certain, uncertain], the access token dead and living. */
	enum step dead[PHASE__COUNT], living[PHASE__COUNT];
} ambiguous[] = {
#define NOW STEP_RETRY_NOW
#define SOON STEP_RETRY_SOON
#define LATE STEP_RETRY_LATE
	{ROTATION_R0, false, {NOW, SOON}, {NOW, SOON}},
	{ROTATION_R0, true, {NOW, SOON}, {NOW, SOON}},
	{ROTATION_R1, false, {NOW, SOON}, {NOW, SOON}},
	{ROTATION_R1, true, {NOW, SOON}, {NOW, SOON}},
	{ROTATION_R2, true, {NOW, SOON}, {NOW, SOON}},
	{ROTATION_R2, false, {SOON, SOON}, {LATE, LATE}}, /* "after it like R3" */
	{ROTATION_R3, false, {SOON, SOON}, {LATE, LATE}},
	{ROTATION_R3, true, {SOON, SOON}, {LATE, LATE}},
	{ROTATION_R4, false, {SOON, SOON}, {LATE, LATE}},
	{ROTATION_R4, true, {SOON, SOON}, {LATE, LATE}},
	{ROTATION_U, false, {SOON, SOON}, {LATE, LATE}},
	{ROTATION_U, true, {SOON, SOON}, {LATE, LATE}},
#undef NOW
#undef SOON
#undef LATE
};

static void an_ambiguous_outcome_is_repeated_as_the_class_bears(void **state)
{
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ambiguous); i++) {
		for (enum phase phase = 0; phase < PHASE__COUNT; phase++) {
			/* What else may be true makes no difference. */
			for (unsigned other = 0; other < 4; other++) {
				struct rotation_case c = {.rotation = ambiguous[i].rotation, .in_window = ambiguous[i].in_window,
							  .outcome = OUTCOME_AMBIGUOUS, .phase = phase,
							  .has_spare = other & 1, .tries_left = other & 2};

				assert_int_equal(rotation_step(&c), ambiguous[i].dead[phase]);
				c.living = true;
				assert_int_equal(rotation_step(&c), ambiguous[i].living[phase]);
				seen++;
			}
		}
	}
	assert_int_equal(seen, (size_t)ROTATION__COUNT * 2 * PHASE__COUNT * 4);
}

/* Every other outcome means the same for every class: 6 × 2 × 2 × 2 × 2 × 2 cases each. */
static void what_is_certain_is_the_same_for_every_class(void **state)
{
	static const struct {
		enum outcome outcome;
		/* certain and not; [without, with] a spare token, for REFUSED [no, some] tries left */
		enum step certain[2], open[2];
	} cases[] = {
		{OUTCOME_RENEWED, {STEP_COMMIT, STEP_COMMIT}, {STEP_COMMIT, STEP_COMMIT}},
		{OUTCOME_GRANT_REFUSED, {STEP_END, STEP_NEXT_TOKEN}, {STEP_END, STEP_NEXT_TOKEN}},
		{OUTCOME_CLIENT_REFUSED, {STEP_PAUSE_CLIENT, STEP_PAUSE_CLIENT}, {STEP_PAUSE_CLIENT, STEP_PAUSE_CLIENT}},
		{OUTCOME_NOT_PROCESSED, {STEP_WAIT, STEP_WAIT}, {STEP_RETRY_SOON, STEP_RETRY_SOON}},
		{OUTCOME_REFUSED, {STEP_END, STEP_WAIT}, {STEP_END, STEP_WAIT}},
	};

	(void)state;
	assert_int_equal(ARRAY_LEN(cases) + 1, OUTCOME__COUNT);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (unsigned n = 0; n < ROTATION__COUNT * PHASE__COUNT * 16; n++) {
			const struct rotation_case c = {
				.rotation = (enum rotation)(n % ROTATION__COUNT),
				.phase = (enum phase)(n / ROTATION__COUNT % PHASE__COUNT),
				.outcome = cases[i].outcome,
				.in_window = n / (ROTATION__COUNT * PHASE__COUNT) & 1,
				.living = n / (ROTATION__COUNT * PHASE__COUNT) & 2,
				.has_spare = n / (ROTATION__COUNT * PHASE__COUNT) & 4,
				.tries_left = n / (ROTATION__COUNT * PHASE__COUNT) & 8,
			};
			bool which = c.outcome == OUTCOME_REFUSED ? c.tries_left : c.has_spare;

			assert_int_equal(rotation_step(&c), (c.phase == PHASE_CERTAIN ? cases[i].certain : cases[i].open)[which]);
		}
	}
}

/* §4.8, §4.9: newest first, the alternate once, the previous one last and never where reuse ends the family. */
static void spare_tokens_are_tried_in_order(void **state)
{
	static const bool takes_previous[ROTATION__COUNT] = {
		[ROTATION_R0] = true, [ROTATION_R1] = true, [ROTATION_R2] = true, [ROTATION_R3] = true,
	};
	enum rotation_source next;

	(void)state;
	for (enum rotation r = 0; r < ROTATION__COUNT; r++) {
		assert_false(rotation_next_source(r, ROTATION_CURRENT, false, false, &next));
		assert_false(rotation_next_source(r, ROTATION_ALTERNATE, true, false, &next));
		assert_false(rotation_next_source(r, ROTATION_PREVIOUS, true, true, &next));
		for (int previous = 0; previous < 2; previous++) {
			assert_true(rotation_next_source(r, ROTATION_CURRENT, true, previous, &next));
			assert_int_equal(next, ROTATION_ALTERNATE);
		}
		assert_int_equal(rotation_next_source(r, ROTATION_CURRENT, false, true, &next), takes_previous[r]);
		assert_int_equal(rotation_next_source(r, ROTATION_ALTERNATE, true, true, &next), takes_previous[r]);
		assert_true(!takes_previous[r] || next == ROTATION_PREVIOUS);
	}
}

static void late_answers_go_by_the_state_they_find(void **state)
{
	static const enum late_step expected[LATE__COUNT][REVOKE_ENDS__COUNT] = {
		/* revoking ends: the grant, the token */
		[LATE_UNCHANGED] = {LATE_ACCEPT, LATE_ACCEPT},
		[LATE_RENEWED] = {LATE_KEEP_ALTERNATE, LATE_KEEP_ALTERNATE},
		[LATE_SUPERSEDED] = {LATE_DROP, LATE_REVOKE},
		[LATE_ENDED] = {LATE_REVOKE, LATE_REVOKE},
		[LATE_DETACHED] = {LATE_DROP, LATE_DROP},
	};

	(void)state;
	for (enum lateness s = 0; s < LATE__COUNT; s++)
		for (enum revoke_ends r = 0; r < REVOKE_ENDS__COUNT; r++)
			assert_int_equal(rotation_late(s, r), expected[s][r]);
}

static void pauses_grow_to_a_quarter_of_an_hour(void **state)
{
	int64_t cap = 1000;

	(void)state;
	for (int64_t n = 1; n < 40; n++) {
		assert_int_equal(rotation_pause_ms(n, 0), 0);
		assert_int_equal(rotation_pause_ms(n, (uint64_t)cap), cap);
		assert_int_equal(rotation_pause_ms(n, (uint64_t)cap + 1), 0);
		assert_in_range(rotation_pause_ms(n, UINT64_MAX), 0, cap);
		cap = cap * 2 > 900000 ? 900000 : cap * 2;
	}
	assert_int_equal(rotation_pause_ms(INT64_MAX, 900000), 900000);
	assert_in_range(rotation_pause_ms(0, UINT64_MAX), 0, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ambiguous_outcome_is_repeated_as_the_class_bears),
		cmocka_unit_test(what_is_certain_is_the_same_for_every_class),
		cmocka_unit_test(spare_tokens_are_tried_in_order),
		cmocka_unit_test(late_answers_go_by_the_state_they_find),
		cmocka_unit_test(pauses_grow_to_a_quarter_of_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
