# R's side of the vignette "Coming from R": writes explanations.csv and bins.csv.
# Made with R 4.2.2, lime 0.5.4, MASS 7.3-58.2, glmnet 4.1-6 and gower 1.0.1.
library(MASS)
library(lime)

biopsy <- na.omit(biopsy)
names(biopsy)[2:10] <- c(
  "clump thickness", "uniformity of cell size", "uniformity of cell shape",
  "marginal adhesion", "single epithelial cell size", "bare nuclei",
  "bland chromatin", "normal nucleoli", "mitoses"
)
held_out <- match(c(416, 7, 207, 195), rownames(biopsy))
train <- biopsy[-held_out, 2:10]
cases <- biopsy[held_out, 2:10]
model <- lda(train, biopsy$class[-held_out])
explainer <- lime(train, model, quantile_bins = FALSE)

bins <- lapply(names(train), function(column) {
  cuts <- explainer$bin_cuts[[column]]
  shares <- as.numeric(explainer$feature_distribution[[column]])
  data.frame(feature = column, above = head(cuts, -1), up_to = cuts[-1], share = shares)
})
write.csv(do.call(rbind, bins), "bins.csv", row.names = FALSE)

# The draws are random; what can be compared is means and deviations over seeds.
runs <- function(seeds, ...) {
  frames <- lapply(seeds, function(seed) {
    set.seed(seed)
    as.data.frame(explain(cases, explainer, n_labels = 1, ...))
  })
  do.call(rbind, frames)
}
all_nine <- runs(1001:1600, n_features = 9, feature_select = "none")
best_four <- runs(1:60, n_features = 4)
times <- table(best_four$case, best_four$feature)

values <- c("feature_weight", "model_r2", "model_intercept", "model_prediction")
figures <- lapply(split(all_nine, list(all_nine$feature, all_nine$case)), function(rows) {
  case <- rows$case[1]
  feature <- rows$feature[1]
  chosen <- if (feature %in% colnames(times)) times[case, feature] else 0
  data.frame(
    rows[1, c("case", "label", "label_prob", "feature", "feature_desc")],
    as.list(setNames(signif(vapply(rows[values], mean, 0), 8), paste0(values, "_mean"))),
    as.list(setNames(signif(vapply(rows[values], sd, 0), 8), paste0(values, "_sd"))),
    seeds = nrow(rows), chosen = as.integer(chosen)
  )
})
write.csv(do.call(rbind, figures), "explanations.csv", row.names = FALSE)
