mod figures;
mod rules;
